"""A real Krita under test: Xvfb, a private HOME, the process, the driver inside it, mouse and keyboard.

waiting    wait_until: polling
display    Display: the user's, or an Xvfb of our own
home       Home: private HOME and XDG folders, copied from a template made once per Krita version
process    KritaProcess: start, run code inside, quit, say what hangs
hands      Hands: xdotool on widgets found by object name
painter    Painter: what a painter does with the docker, and sees of it
builder    Builder: the same with the stack builder
engine     Engine: the engine that the plugin started, from outside
scenes     a document to work in, and what must hold of it afterwards
"""
