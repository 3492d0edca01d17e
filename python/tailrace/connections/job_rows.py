"""The size of jobs, of tools that take rows by jobs or by requests."""

from __future__ import annotations


def check_job_rows(rows: int | None, api: str, bulk_from: int) -> None:
    """Refuse a size that no job would have.

    `bulk_from`: how many rows make a job where `api` leaves it to their number.

    Raises:
        ValueError: No jobs are made, or none so small.
    """
    if rows is None:
        return
    if api not in ("auto", "bulk"):
        raise ValueError("job_rows is the size of jobs: api is auto or bulk")
    if api == "auto" and rows < bulk_from:
        raise ValueError(
            f"job_rows is {bulk_from:,} at least where the number of rows decides what makes a job;"
            " api: bulk makes smaller ones"
        )
