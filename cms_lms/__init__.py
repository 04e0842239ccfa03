"""Connects a Wagtail course catalogue to learning management systems."""
