package main

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/infer-go/infer/engine"
	"github.com/infer-go/infer/weights/digits"
)

func TestService(t *testing.T) {
	m, err := engine.Parse(digits.Data)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	server := httptest.NewServer(handler(m))
	defer server.Close()

	post := func(body io.Reader) (*http.Response, []byte) {
		t.Helper()
		resp, err := http.Post(server.URL+"/classify", "application/octet-stream", body)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		data, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp, data
	}

	picture, err := os.Open("../../testdata/7.png")
	if err != nil {
		t.Fatal(err)
	}
	defer picture.Close()
	resp, data := post(picture)
	var classes []engine.Class
	if err := json.Unmarshal(data, &classes); err != nil || len(classes) != 3 {
		t.Fatalf("status %d, %q: %v", resp.StatusCode, data, err)
	}
	if classes[0].Label != "7" || classes[0].Probability < 0.9 {
		t.Errorf("the best of 7.png is %+v", classes[0])
	}

	if resp, data := post(strings.NewReader("no picture")); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("no picture: status %d, %q", resp.StatusCode, data)
	}
	if resp, _ := post(strings.NewReader(strings.Repeat("x", 9<<20))); resp.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("9 MiB: status %d", resp.StatusCode)
	}
}
