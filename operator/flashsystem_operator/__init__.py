"""The FlashSystem operator: volumes of IBM FlashSystem arrays, attached to hosts because Kubernetes resources say so."""
