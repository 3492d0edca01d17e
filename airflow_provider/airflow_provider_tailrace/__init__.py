"""Airflow operators for Tailrace: "send this model to that business tool" as a task.

Importing this package loads neither Airflow nor the engine; Airflow reads `get_provider_info`.
"""

from __future__ import annotations

from typing import Any

__version__ = "0.1.0"


def get_provider_info() -> dict[str, Any]:
    """What Airflow's provider manager asks for, in the shape of its provider_info schema."""
    return {
        "package-name": "tailrace",
        "name": "Tailrace",
        "description": "Reverse ETL as a task: sends changed rows of a warehouse's model to a "
        "business tool.",
        "versions": [__version__],
        "integrations": [{"integration-name": "Tailrace", "tags": ["service"]}],
        "operators": [
            {
                "integration-name": "Tailrace",
                "python-modules": ["airflow_provider_tailrace.operators.sync"],
            }
        ],
        "config": {
            "tailrace": {
                "description": "Defaults of the Tailrace operators.",
                "options": {
                    "project_dir": _option(
                        "string",
                        "The folder with tailrace.yml, where an operator names none. "
                        "Left empty, the environment variable TAILRACE_PROJECT.",
                        example="/opt/airflow/tailrace",
                    ),
                    "target": _option(
                        "string", "One of the targets of tailrace.yml.", example="prod"
                    ),
                    "allow_local_state": _option(
                        "boolean",
                        "Whether state in a SQLite file is fine although tasks may run on more "
                        "than one machine. A run elsewhere does not see it and sends every row.",
                        default="False",
                    ),
                },
            }
        },
    }


def _option(
    kind: str, description: str, *, example: str | None = None, default: str | None = None
) -> dict[str, str | None]:
    return {
        "description": description,
        "version_added": "0.1.0",
        "type": kind,
        "example": example,
        "default": default,
    }
