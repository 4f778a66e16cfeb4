package githubapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/httpx"
)

func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.NotFoundHandler()) // its log says that the handshake failed
	t.Cleanup(srv.Close)
	s := &stage{}
	err := getOne(t.Context(), s.newClient(t, srv.URL, httpx.Policy{}))
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Network || len(s.slept) != 0 || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("%v, slept %v", err, s.slept)
	}
}

func TestAnonymous(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if got, ok := r.Header["Authorization"]; ok {
			t.Errorf("came with %q", got)
		}
		says(401, `{"message":"Requires authentication"}`)(w, r)
	}))
	t.Cleanup(srv.Close)
	u, _ := url.Parse("http://user:password@" + strings.TrimPrefix(srv.URL, "http://"))
	c, err := New(Options{BaseURL: u, Transport: http.DefaultTransport})
	if err != nil {
		t.Fatal(err)
	}
	if e, ok := errors.AsType[*Error](getURL(t.Context(), c)); !ok || e.Kind != BadToken || !e.Anonymous {
		t.Errorf("got %+v", e)
	}
}

// Whatever makes a request to another host, the token does not go there.
func TestTokenStaysWithTheAPI(t *testing.T) {
	t.Parallel()
	s := newStage(t)
	other := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if got, ok := r.Header["Authorization"]; ok {
			t.Errorf("came with %q", got)
		}
	}))
	t.Cleanup(other.Close)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, other.URL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := s.client.api.gh.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		t.Errorf("%s, %v", res.Status, err)
	}
}

func TestSecretsAreNotFormatted(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "api.github.com"}
	// Formatting reads all of the options, so no other test may share them.
	o := Options{BaseURL: u, Transport: new(http.Transport), Auth: Auth{Token: secret}}
	withApp := Options{Auth: Auth{App: &App{ID: "7", PrivateKey: []byte(secret)}}}
	c, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []any{o, withApp, o.Auth, withApp.Auth, *c, c} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			if text := fmt.Sprintf(verb, v); strings.Contains(text, secret) || strings.Contains(text, fmt.Sprintf("%v", []byte(secret))) {
				t.Errorf("%s shows it: %s", verb, text)
			}
		}
	}
	o.Auth.Token = secret + "\n"
	if _, err := New(o); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("a token with a line break: %v", err)
	}
}

// An https API that sends downloads to http is not believed: without a
// digest, TLS is all that vouches for the bytes.
func TestDownloadStaysWithTLS(t *testing.T) {
	t.Parallel()
	srv := httptest.NewTLSServer(http.HandlerFunc(says(302, "", "Location", "http://storage.invalid/x?sig=s3cret")))
	t.Cleanup(srv.Close)
	u, _ := url.Parse(srv.URL)
	c, err := New(Options{BaseURL: u, Transport: srv.Client().Transport})
	if err != nil {
		t.Fatal(err)
	}
	err = getURL(t.Context(), c)
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != UnexpectedAnswer || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("got %v", err)
	}
}

// The token never leaves TLS, whatever the answer says.
func TestRedirectStaysWithTLS(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("plain HTTP was asked, with %q", r.Header.Get("Authorization"))
	}))
	t.Cleanup(plain.Close)
	for _, status := range []int{301, 302, 307, 308} {
		srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			says(status, "", "Location", plain.URL+r.URL.Path)(w, r)
		}))
		t.Cleanup(srv.Close)
		u, _ := url.Parse(srv.URL)
		c, err := New(Options{BaseURL: u, Auth: Auth{Token: secret}, Transport: srv.Client().Transport})
		if err != nil {
			t.Fatal(err)
		}
		for _, do := range []func(context.Context, *Client) error{getOne, listAll, remove} {
			if err := do(t.Context(), c); !isKind(err, UnexpectedAnswer) {
				t.Errorf("%d: %v", status, err)
			}
		}
	}
}
