"""The sidebar and what it selects."""
