// Command server runs FerretDB in front of a PostgreSQL with the DocumentDB extension.
//
// Usage: server POSTGRESQL_URL LISTEN_ADDRESS STATE_DIR
package main

import (
	"context"
	"log"
	"os"
	"os/signal"
	"syscall"

	"github.com/FerretDB/FerretDB/v2/ferretdb"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: server POSTGRESQL_URL LISTEN_ADDRESS STATE_DIR")
	}

	if err := os.MkdirAll(os.Args[3], 0o700); err != nil {
		log.Fatal(err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	defer stop()

	telemetry := false
	server, err := ferretdb.New(&ferretdb.Config{
		PostgreSQLURL: os.Args[1],
		ListenAddr:    os.Args[2],
		StateDir:      os.Args[3],
		LogOutput:     os.Stderr,
		Telemetry:     &telemetry,
	})
	if err != nil {
		log.Fatal(err)
	}

	server.Run(ctx)
}
