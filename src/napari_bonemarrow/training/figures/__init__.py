"""Figures of a classification: metrics, intervals, calibration, tables and plots."""
