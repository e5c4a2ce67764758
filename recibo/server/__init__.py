"""How the parts run: settings, the embedded database, the web server, the command line."""
