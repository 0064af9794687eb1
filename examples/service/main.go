// Service answers pictures over HTTP: what a service needs of infer, and no more.
//
//	go run ./examples/service &
//	curl --data-binary @testdata/7.png localhost:8080/classify
package main

import (
	"encoding/json"
	"flag"
	_ "image/jpeg" // the formats that clients may send
	_ "image/png"
	"io"
	"log"
	"net/http"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address to serve at")
	flag.Parse()
	m, err := engine.Parse(digits.Data) // or engine.Open("net.frz")
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.ListenAndServe(*listen, handler(m)))
}

// handler serves a classifier. Requests are computed at the same time, each in a
// session of the model's pool.
func handler(m *engine.Model) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /classify", func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 8<<20))
		if err != nil {
			http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
			return
		}
		classes, err := m.ClassifyBytes(data, 3)
		if err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		json.NewEncoder(w).Encode(classes)
	})
	return mux
}
