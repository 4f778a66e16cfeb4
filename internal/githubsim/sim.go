// Package githubsim simulates GitHub in process, as far as artifetch uses it: the REST
// API and the blob storage are two servers on 127.0.0.1. Faults can be declared, and
// every request is logged. It is for tests and the demo.
//
// A Sim is safe for concurrent use. Repos, Runs and other objects must not be changed by
// the caller after they were added.
package githubsim

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"hash/maphash"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Options set up a Sim. The zero value is github.com.
type Options struct {
	// Now is the simulated time; nil is the real one.
	Now func() time.Time
	// URLLifetime is how long signed URLs are good for; 0 means a minute.
	URLLifetime time.Duration
	// Enterprise makes it GitHub Enterprise Server 3.8: the API below
	// /api/v3, artifacts without digest and workflow_run.
	Enterprise bool
	// IgnoreName makes lists of artifacts ignore the parameter name, as
	// servers before 3.8 do.
	IgnoreName bool
	// EndlessPages makes lists ignore the parameter page, though each page links to a
	// next one.
	EndlessPages bool
	// RateLimit is the number of requests per hour and token; 0 means 5000. A negative
	// number means no limit and no headers about one, as on an Enterprise Server whose
	// limits are off.
	RateLimit int
	// TLS makes both hosts speak HTTPS with the certificate CA: the API HTTP/2 and
	// HTTP/1.1, the storage only the latter, as Azure's.
	TLS bool
	// Gzip makes the API compress its answers in JSON for clients that accept that, as
	// GitHub does. The same answer is compressed once.
	Gzip bool
	// APIRoundTrip and StorageRoundTrip are how long a packet takes to the host and back.
	// A connection takes one round trip, its TLS handshake another.
	APIRoundTrip, StorageRoundTrip time.Duration
	// Brief leaves out the fields of runs, artifacts, users and repositories that artifetch
	// does not read: addresses, node ids, the head commit. They are most of a list, so tests
	// with thousands of runs take a fraction of the time.
	Brief bool
}

// Host is one of the two servers.
type Host string

// The two hosts.
const (
	API     Host = "api"
	Storage Host = "storage"
)

// Access is what a token may do in a repository.
type Access int

// Levels of access. None sees a repository, but not its runs and artifacts.
const (
	None Access = iota
	Read
	Write
)

// Sim is a running simulator. Close it after use.
type Sim struct {
	// APIURL is the base URL of the REST API, /api/v3 included where it
	// belongs; StorageURL is that of the blob storage.
	APIURL, StorageURL string

	opt          Options
	api, storage *server
	secret       string

	mu     sync.Mutex
	nextID int64
	repos  map[string]*Repo
	tokens map[string]map[string]Access // token → lower-case full name → access
	used   map[string]int               // token → requests spent
	apps   []*App
	blobs  map[string]*stored
	former map[string]*Repo // by lower-case full name of the past
	actors map[string]json.RawMessage

	seed    maphash.Seed      // of ETags
	gzipped map[string][]byte // answers, by ETag

	faults   []*fault
	serving  map[Host]int // requests under way that no fault replaces the answer of
	lies     []*lie
	changes  []*change
	applying sync.Mutex // held while changes that come before a request are made

	// The log has a lock of its own: handlers hold the other one while they write
	// answers, which are noted in the log.
	logMu sync.Mutex
	log   []*Request
}

// New starts a simulator with nothing in it.
func New(opt Options) *Sim {
	if opt.Now == nil {
		opt.Now = time.Now
	}
	if opt.URLLifetime == 0 {
		opt.URLLifetime = time.Minute
	}
	if opt.RateLimit == 0 {
		opt.RateLimit = 5000
	}
	key := make([]byte, 16)
	_, _ = rand.Read(key) // never fails
	s := &Sim{
		opt: opt, nextID: 1000, repos: map[string]*Repo{}, tokens: map[string]map[string]Access{},
		used: map[string]int{}, blobs: map[string]*stored{}, former: map[string]*Repo{}, actors: map[string]json.RawMessage{}, serving: map[Host]int{}, secret: hex.EncodeToString(key),
		seed: maphash.MakeSeed(), gzipped: map[string][]byte{},
	}
	s.api = newServer(s.logged(API, s.changing(s.apiHandler())), opt.TLS, true, opt.APIRoundTrip)
	s.storage = newServer(s.logged(Storage, http.HandlerFunc(s.serveBlob)), opt.TLS, false, opt.StorageRoundTrip)
	s.APIURL, s.StorageURL = s.api.url, s.storage.url
	if opt.Enterprise {
		s.APIURL += "/api/v3"
	}
	return s
}

// Close stops both servers. Requests under way are cut.
func (s *Sim) Close() {
	s.api.close()
	s.storage.close()
}

// AddToken adds a token with access to a repository ("owner/name"). Further calls give the
// token access to further repositories.
func (s *Sim) AddToken(token, repo string, access Access) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.tokens[token] == nil {
		s.tokens[token] = map[string]Access{}
	}
	s.tokens[token][strings.ToLower(repo)] = access
}

// RevokeToken removes a token.
func (s *Sim) RevokeToken(token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tokens, token)
}

func (s *Sim) id() int64 {
	s.nextID++
	return s.nextID
}

// Request is a request as a host received it, and the outcome.
type Request struct {
	Host   Host
	Method string
	Path   string
	Query  string
	Header http.Header
	Status int
	// Bytes is how many bytes of the answer's body were written.
	Bytes int64
}

// Log returns all requests so far, in the order of their arrival. Answers are noted
// before they are sent, so a client that has an answer finds it in the log.
func (s *Sim) Log() []Request {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	list := make([]Request, len(s.log))
	for i, r := range s.log {
		list[i] = *r
	}
	return list
}

// Count returns how many requests a host received.
func (s *Sim) Count(h Host) int {
	n := 0
	for _, r := range s.Log() {
		if r.Host == h {
			n++
		}
	}
	return n
}

// ResetLog forgets the requests so far.
func (s *Sim) ResetLog() {
	s.logMu.Lock()
	defer s.logMu.Unlock()
	s.log = nil
}

// logged wraps a host's handler: it logs requests and applies faults.
func (s *Sim) logged(h Host, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		entry := &Request{Host: h, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
		rec := &recorder{ResponseWriter: w, mu: &s.logMu, entry: entry}
		s.logMu.Lock()
		s.log = append(s.log, entry)
		s.logMu.Unlock()
		if h == API {
			w.Header().Set("Date", s.opt.Now().UTC().Format(http.TimeFormat))
		}
		f, end := s.begin(h, r)
		defer end()
		if f != nil {
			s.serveFault(f, rec, r, next)
			return
		}
		next.ServeHTTP(rec, r)
	})
}

// recorder notes the status and the size of an answer before it is sent.
type recorder struct {
	http.ResponseWriter
	mu    *sync.Mutex
	entry *Request
}

func (r *recorder) WriteHeader(status int) {
	r.note(status, 0)
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	r.note(http.StatusOK, len(p))
	return r.ResponseWriter.Write(p)
}

// note adds n bytes to the entry, and sets its status if it has none.
func (r *recorder) note(status, n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entry.Status = cmp.Or(r.entry.Status, status)
	r.entry.Bytes += int64(n)
}

func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
