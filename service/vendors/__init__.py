"""Vendors' payloads, read: each adapter is one file that knows one sender, and none of its siblings."""
