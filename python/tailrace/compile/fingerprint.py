"""The fingerprint of a mapping: another one makes every row a changed row."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tailrace.spec.sync import Sync


def mapping_fingerprint(sync: Sync, destination_type: str, fields: Sequence[str]) -> str:
    """SHA-256 (hex) over what decides which bytes a row sends for equal values of its fields.

    Where values come from is not part of it: a renamed column of the same content changes
    nothing. `on_removed` is not either, since it decides about rows that are gone.
    """
    parts: dict[str, Any] = {
        "destination": destination_type,
        "object": sync.object,
        "match": sync.match,
        "mode": sync.effective_mode,
        "fields": [
            [name, sync.fields[name].compared_digits, sync.fields[name].nulls] for name in fields
        ],
    }
    if sync.associate is not None:
        parts["associate"] = sync.associate.core_dict()
    text = json.dumps(parts, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
