"""From outcomes and battles to a fitted router."""
