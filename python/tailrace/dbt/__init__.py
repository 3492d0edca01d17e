"""dbt's manifest and profiles, read and never run."""
