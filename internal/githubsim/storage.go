package githubsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// stored is a blob with its headers.
type stored struct {
	blob        Blob
	etag        string
	contentType string
	disposition string
}

// ReplaceBlob replaces the stored bytes of an artifact and their ETag. GitHub never should,
// but clients have to notice if it does.
func (s *Sim) ReplaceBlob(a *Artifact, b Blob) {
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.blobs[a.key()]
	s.blobs[a.key()] = &stored{blob: b, etag: old.etag[:len(old.etag)-1] + `x"`, contentType: old.contentType, disposition: old.disposition}
}

// signedURL returns the URL that the API redirects a download to.
func (s *Sim) signedURL(key string) string {
	expires := s.opt.Now().Add(s.opt.URLLifetime).Unix()
	q := url.Values{"se": {time.Unix(expires, 0).UTC().Format(time.RFC3339)}, "sp": {"r"}, "sv": {"2025-11-05"}, "sig": {s.sign(key, expires)}}
	return s.StorageURL + "/" + key + "?" + q.Encode()
}

func (s *Sim) sign(key string, expires int64) string {
	m := hmac.New(sha256.New, []byte(s.secret))
	fmt.Fprintf(m, "%s %d", key, expires)
	return hex.EncodeToString(m.Sum(nil))
}

// StorageHandler returns the blob storage as a handler, faults and log included, for a
// test that serves it over a network of its own.
func (s *Sim) StorageHandler() http.Handler { return s.storage.Config.Handler }

// serveBlob behaves like Azure Blob Storage with a SAS URL.
func (s *Sim) serveBlob(w http.ResponseWriter, r *http.Request) {
	key := strings.TrimPrefix(r.URL.Path, "/")
	w.Header().Set("X-Ms-Version", "2025-11-05")
	if r.Header.Get("Authorization") != "" {
		storageError(w, http.StatusBadRequest, "InvalidAuthenticationInfo", "Authentication information is not given in the correct format")
		return
	}
	expires, err := time.Parse(time.RFC3339, r.URL.Query().Get("se"))
	if err != nil || !hmac.Equal([]byte(s.sign(key, expires.Unix())), []byte(r.URL.Query().Get("sig"))) || !s.opt.Now().Before(expires) {
		storageError(w, http.StatusForbidden, "AuthenticationFailed", "Server failed to authenticate the request")
		return
	}
	s.mu.Lock()
	b := s.blobs[key]
	s.mu.Unlock()
	switch {
	case b == nil:
		storageError(w, http.StatusNotFound, "BlobNotFound", "The specified blob does not exist")
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		storageError(w, http.StatusMethodNotAllowed, "UnsupportedHttpVerb", "The resource doesn't support the specified verb")
	case r.Header.Get("If-Match") != "" && r.Header.Get("If-Match") != b.etag:
		storageError(w, http.StatusPreconditionFailed, "ConditionNotMet", "The condition specified is not met")
	default:
		served := *b
		if other, ok := r.Context().Value(servedKey{}).(Blob); ok {
			served.blob = other
		}
		served.serve(w, r)
	}
}

func (b *stored) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Accept-Ranges", "bytes")
	h.Set("ETag", b.etag)
	h.Set("Content-Type", b.contentType)
	if b.disposition != "" {
		h.Set("Content-Disposition", b.disposition)
	}
	size := b.blob.Size()
	first, last, status := int64(0), size-1, http.StatusOK
	if spec := r.Header.Get("Range"); spec != "" {
		var ok bool
		if first, last, ok = parseRange(spec, size); !ok {
			h.Set("Content-Range", fmt.Sprintf("bytes */%d", size))
			storageError(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange", "The range specified is invalid for the current size of the resource")
			return
		}
		status = http.StatusPartialContent
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size))
	}
	h.Set("Content-Length", strconv.FormatInt(last-first+1, 10))
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return
	}
	// The client may have closed the connection.
	_, _ = io.CopyBuffer(onlyWriter{w}, io.NewSectionReader(b.blob, first, last-first+1), make([]byte, 128<<10))
}

// onlyWriter hides ReadFrom, so that io.Copy calls Write.
type onlyWriter struct{ io.Writer }

// parseRange parses a header with a single byte range (RFC 9110, section 14.1.2).
func parseRange(spec string, size int64) (first, last int64, ok bool) {
	span, isBytes := strings.CutPrefix(spec, "bytes=")
	from, to, dash := strings.Cut(span, "-")
	if !isBytes || !dash {
		return 0, 0, false
	}
	if from == "" {
		n, err := strconv.ParseInt(to, 10, 64)
		return max(size-n, 0), size - 1, err == nil && n > 0 && size > 0
	}
	first, err := strconv.ParseInt(from, 10, 64)
	last = size - 1
	if to != "" && err == nil {
		var end int64
		end, err = strconv.ParseInt(to, 10, 64)
		last = min(last, end)
	}
	return first, last, err == nil && first >= 0 && first <= last
}
