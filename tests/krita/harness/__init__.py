"""A real Krita under test: Xvfb, a private HOME, the process, the driver inside it, mouse and keyboard.

display    Display: the user's, or an Xvfb of our own
home       Home: private HOME and XDG folders, copied from a template made once per Krita version
process    KritaProcess: start, run code inside, quit, say what hangs
hands      Hands: xdotool on widgets found by object name
waiting    wait_until
"""
