// Command reference writes the API reference that the server shows at /docs, from the API
// descriptions: every operation, field, error, message and close code, with samples.
//
// It guarantees that the page has no inline code and loads nothing from other servers, and that the
// same descriptions give the same page. `make web` runs it.
package main

import (
	"log"
	"os"
)

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: reference <openapi.yaml> <asyncapi.yaml> <output file>")
	}
	page, err := build(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(os.Args[3], page, 0o644); err != nil { // #nosec G306 G703 -- a file of the source, named by who builds it
		log.Fatal(err)
	}
}
