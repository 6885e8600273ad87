"""Cameras and audio devices, read from the kernel and from ALSA in short-lived probe processes.

A driver can hang, and then whoever asked it hangs too. So nothing here runs in the API process: `probe` asks one
question and exits, `watch` listens for plugs and never opens a device. Only the standard library: they start fast.
"""
