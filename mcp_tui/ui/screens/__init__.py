"""Screens: the chat and what opens above it."""
