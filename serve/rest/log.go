package rest

import (
	"context"
	"encoding/hex"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// logLevel is the level at which a request is logged.
func logLevel(err error) slog.Level {
	if err != nil && statusOf(err) == http.StatusInternalServerError {
		return slog.LevelError
	}
	return slog.LevelDebug
}

// logs says whether every request is logged.
func (h *Handler) logs() bool {
	return h.options.Log.Enabled(context.Background(), slog.LevelDebug)
}

// log writes a line on a request, with the ids of its trace.
func (h *Handler) log(level slog.Level, r *http.Request, err error, took time.Duration) {
	attrs := []slog.Attr{
		slog.String("method", r.Method), slog.String("path", r.URL.Path),
		slog.Int("status", http.StatusOK), slog.Int64("took_ns", took.Nanoseconds()),
	}
	if err != nil {
		attrs[2] = slog.Int("status", statusOf(err))
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	if trace, span, ok := traceParent(r.Header.Get("Traceparent")); ok {
		attrs = append(attrs, slog.String("trace_id", trace), slog.String("span_id", span))
	}
	h.options.Log.LogAttrs(r.Context(), level, "request", attrs...)
}

// traceParent reads W3C's header of that name: version-trace-span-flags. Ids of
// zeros stand for none.
func traceParent(header string) (trace, span string, ok bool) {
	parts := strings.Split(header, "-")
	if len(parts) < 4 || len(parts[0]) != 2 || len(parts[1]) != 32 || len(parts[2]) != 16 {
		return "", "", false
	}
	for _, id := range parts[1:3] {
		if _, err := hex.DecodeString(id); err != nil || strings.Trim(id, "0") == "" || strings.ToLower(id) != id {
			return "", "", false
		}
	}
	return parts[1], parts[2], true
}
