package fetch

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// BenchmarkOpen compares ranges with one stream: over the loopback as it is, and with 100
// MB/s per connection after 10 ms.
func BenchmarkOpen(b *testing.B) {
	for _, network := range []string{"loopback", "slow"} {
		for _, way := range []string{"stream", "ranges"} {
			b.Run(network+"/"+way, func(b *testing.B) {
				s := &ranged{script: script{blob: largeBlob(), etag: `"e"`}}
				if network == "slow" {
					s.hook = func(_ int, w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) {
						time.Sleep(10 * time.Millisecond)
						serve(slow{w})
					}
				}
				srv := httptest.NewServer(s)
				b.Cleanup(srv.Close)
				o := Options{Client: srv.Client(), Tail: 100 << 10, OneStream: way == "stream"}
				f, err := os.Create(filepath.Join(b.TempDir(), "spool"))
				if err != nil {
					b.Fatal(err)
				}
				defer func() { _ = f.Close() }()
				b.SetBytes(largeSize)
				b.ReportAllocs()
				for b.Loop() {
					blob, err := Open(b.Context(), o, at(srv.URL), func(int64) (Spool, error) { return f, nil })
					if err != nil {
						b.Fatal(err)
					}
					if _, err := blob.Wait(); err != nil {
						b.Fatal(err)
					}
					blob.Close()
				}
			})
		}
	}
}

// slow sends 100 MB/s.
type slow struct{ http.ResponseWriter }

func (w slow) Write(p []byte) (int, error) {
	time.Sleep(time.Duration(len(p)) * 10 * time.Nanosecond)
	return w.ResponseWriter.Write(p)
}
