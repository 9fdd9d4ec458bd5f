"""The FlashSystem operator keeps volumes of IBM FlashSystem arrays attached to the hosts that resources name."""
