//go:build unix

package main

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestServeNotifies starts the server as systemd starts a unit of Type=notify, and
// reads what it is told.
func TestServeNotifies(t *testing.T) {
	dir, err := os.MkdirTemp("", "notify") // the name of a socket must be short
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := &net.UnixAddr{Name: filepath.Join(dir, "s"), Net: "unixgram"}
	manager, err := net.ListenUnixgram("unixgram", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	t.Setenv("NOTIFY_SOCKET", socket.Name)
	told := func() string {
		t.Helper()
		manager.SetReadDeadline(time.Now().Add(20 * time.Second))
		b := make([]byte, 100)
		n, err := manager.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	s := startServer(t, "--model", "digits="+filepath.Join("..", "..", "weights", "digits", "digits.frz"))
	if got := told(); got != "READY=1" {
		t.Errorf("first it says %q", got)
	}
	if code, text := answerOf(http.DefaultClient, "GET", s.url+"/v2/health/ready", nil); code != 200 {
		t.Errorf("it said that it is ready, but answers %d %s", code, text)
	}
	s.stop(t)
	if got := told(); got != "STOPPING=1" {
		t.Errorf("in the end it says %q", got)
	}
	t.Setenv("NOTIFY_SOCKET", filepath.Join(dir, "nobody"))
	if notify(notifyReady) == nil {
		t.Error("nobody listens, and it is no error")
	}
}
