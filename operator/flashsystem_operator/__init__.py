"""Manage IBM FlashSystem volumes and iSCSI attachments with Kubernetes resources."""
