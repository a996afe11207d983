"""Tenant that a request is billed to, out of a log: a team, a key, a customer or a user.

A key never enters: it has its alias where the log gives one, else the first digits of a hash.
"""

import re
from collections.abc import Mapping
from typing import Any

from routellm_core.importing.fields import at
from routellm_core.importing.records import structured
from routellm_core.text_keys import text_hash

TEAM = (
    *("user_api_key_team_alias", "team_alias", "team_id", "user_api_key_team_id"),
    *("tenant", "team"),
)
KEY_ALIAS = ("user_api_key_alias", "key_alias", "api_key_alias")
CUSTOMER = ("end_user", "user_api_key_end_user_id", "tenant_id", "customer_id", "customer")
USER = ("user", "user_id", "user_api_key_user_id")
KEY = ("api_key", "user_api_key_hash", "user_api_key")
FIELDS = frozenset({*TEAM, *KEY_ALIAS, *CUSTOMER, *USER, *KEY, "metadata"})
TENANTS = FIELDS - {"metadata"}
"""Names of columns that hold a tenant."""
_KINDS = (("team", TEAM), ("key", KEY_ALIAS), ("customer", CUSTOMER), ("user", USER))
_SECRET = re.compile(r"(?:bearer\s|(?:sk|pk|rk)[-_]|key[-_])\S+|[0-9a-f]{32,}|[\w+/=]{40,}", re.I)
_UNSAID = ("", "none", "null", "default_user_id", "anonymous", "not known")
_LONGEST = 80
_DIGITS = 8


def tenant_of(record: Mapping[str, Any]) -> str:
    """The tenant of a request, with its kind before it; empty where the log names none.

    >>> tenant_of({"metadata": {"tenant": "kitchen"}, "user": "mara"})
    'team kitchen'
    >>> tenant_of({"api_key": "sk-invented-0001"})
    'key #2300b5ed'
    """
    holders = (record, structured(record.get("metadata")))
    for kind, names in _KINDS:
        if found := _first(holders, names):
            return f"{kind} {_hashed(found) if _SECRET.fullmatch(found) else found[:_LONGEST]}"
    key = _first(holders, KEY)
    return f"key {_hashed(key)}" if key else ""


def _first(holders: tuple[Any, ...], names: tuple[str, ...]) -> str:
    for name in names:
        for holder in holders:
            value = at(holder, name)
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if isinstance(value, str) and value.strip().lower() not in _UNSAID:
                return " ".join(value.split())
    return ""


def _hashed(secret: str) -> str:
    return f"#{text_hash(secret)[:_DIGITS]}"
