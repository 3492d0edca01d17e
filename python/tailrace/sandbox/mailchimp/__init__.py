"""Mailchimp's sandbox: members of audiences, merge fields, tags, batches of operations."""

from tailrace.sandbox.mailchimp.vendor import Mailchimp

__all__ = ["Mailchimp"]
