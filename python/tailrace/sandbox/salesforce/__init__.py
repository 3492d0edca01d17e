"""Salesforce's sandbox: an org's records over REST, sObject Collections and Bulk API 2.0."""

from tailrace.sandbox.salesforce.vendor import Salesforce

__all__ = ["Salesforce"]
