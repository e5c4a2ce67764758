from recibo.server.cli import main

main()
