"""Tailrace's syncs as Dagster assets: objects in business tools, made from models."""

from __future__ import annotations

from dagster_shared.libraries import DagsterLibraryRegistry

from dagster_tailrace.assets import tailrace_assets
from dagster_tailrace.resource import TailraceResource
from dagster_tailrace.translator import DagsterTailraceTranslator

__version__ = "0.1.0"

__all__ = ["DagsterTailraceTranslator", "TailraceResource", "tailrace_assets"]

DagsterLibraryRegistry.register("dagster-tailrace", __version__, is_dagster_package=False)
