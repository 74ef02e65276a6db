"""The docker: one widget a file. Widgets bind to the model, and decide nothing."""
