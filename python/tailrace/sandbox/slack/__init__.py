"""Slack's sandbox: messages to channels, and an incoming webhook."""

from tailrace.sandbox.slack.vendor import Slack

__all__ = ["Slack"]
