"""Calibration of a router's scores: reliability, calibration error, recalibration."""
