"""Bytes to rows: tables, JSON, Excel, archives."""
