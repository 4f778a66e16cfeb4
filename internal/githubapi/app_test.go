package githubapi

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/artifetch/artifetch/internal/artifact"
	"github.com/artifetch/artifetch/internal/githubsim"
	"github.com/artifetch/artifetch/internal/httpx"
)

// appServer answers as GitHub does to an App; its steps answer the requests
// for a token, in order.
func appServer(t *testing.T, tokens ...step) (c *Client, asked *[]string, masked *[]string) {
	t.Helper()
	asked, masked = new([]string), new([]string)
	n := 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		jwt := strings.Count(r.Header.Get("Authorization"), ".") == 2
		*asked = append(*asked, r.Method+" "+r.URL.Path)
		switch {
		case strings.HasSuffix(r.URL.Path, "/installation") && jwt:
			_, _ = io.WriteString(w, `{"id":99}`)
		case strings.HasSuffix(r.URL.Path, "/access_tokens") && jwt:
			n++
			tokens[n-1](w, r)
		case !jwt:
			good(w, r)
		}
	}))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL + "/api/v3")
	if err != nil {
		t.Fatal(err)
	}
	c, err = New(Options{
		BaseURL: u, Transport: srv.Client().Transport,
		Policy: httpx.Policy{MaxTries: 3, Sleep: func(ctx context.Context, _ time.Duration) error { return ctx.Err() }},
		Auth: Auth{App: &App{
			ID: "Iv1.abc", PrivateKey: privateKey(), Write: true, OnToken: func(tok string) { *masked = append(*masked, tok) },
			Repos: []artifact.Repo{{Owner: "octo", Name: "app"}, {Owner: "OCTO", Name: "lib"}, {Owner: "octo", Name: "APP"}},
		}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c, asked, masked
}

func grants(token string) step {
	return says(201, fmt.Sprintf(`{"token":%q,"expires_at":"2999-01-01T00:00:00Z"}`, token))
}

func TestAppAsksForNoMoreThanItNeeds(t *testing.T) {
	t.Parallel()
	var body any
	c, asked, masked := appServer(t, says(502, ""), drops, func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Errorf("the third try has no body: %v", err)
		}
		grants("ghs_one")(w, r)
	})
	for range 2 {
		if err := getOne(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{"repositories": []any{"app", "lib"}, "permissions": map[string]any{"actions": "write"}}
	if diff := cmp.Diff(any(want), body); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	const access, get = "POST /api/v3/app/installations/99/access_tokens", "GET /api/v3/repos/octo/app/actions/artifacts/7"
	if diff := cmp.Diff([]string{"GET /api/v3/repos/octo/app/installation", access, access, access, get, get}, *asked); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"ghs_one"}, *masked); diff != "" || c.Requests() != 6 {
		t.Errorf("%d requests, masked (-want +got):\n%s", c.Requests(), diff)
	}
}

func TestAppFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		steps []step
		kind  Kind
		text  string
	}{
		"not granted":     {[]step{says(422, `{"message":"The permissions requested are not granted to this installation."}`)}, NoPermission, "not granted"},
		"bad JWT":         {[]step{says(401, `{"message":"A JSON web token could not be decoded"}`, "Date", "")}, BadToken, "could not be decoded"},
		"busy":            {[]step{says(503, ""), says(503, ""), says(503, "")}, ServerError, "tried 3 times"}, // not three times three
		"cut":             {[]step{cuts, cuts, cuts}, Network, "after 3 tries"},
		"text of a token": {[]step{says(201, `{"token":"`+secret+`",`, "Content-Type", "text/plain")}, UnexpectedAnswer, "not JSON but text/plain"},
		"no token":        {[]step{says(201, `{"expires_at":"2999-01-01T00:00:00Z"}`)}, UnexpectedAnswer, "not GitHub's"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, asked, _ := appServer(t, tt.steps...)
			err := getOne(t.Context(), c)
			e, ok := errors.AsType[*Error](err)
			if !ok || e.Kind != tt.kind || e.Op != "get an installation token" || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("got %v; want kind %v and %q", err, tt.kind, tt.text)
			}
			if strings.Contains(fmt.Sprintf("%v %#v", err, e), secret) {
				t.Errorf("the token shows: %v", err)
			}
			if len(*asked) != 1+len(tt.steps) {
				t.Errorf("requests %q", *asked)
			}
		})
	}
}

// A request that waits for a token which another request fetches stops waiting when its
// context ends.
func TestAppHonoursContext(t *testing.T) {
	t.Parallel()
	began, finish := make(chan struct{}), make(chan struct{})
	c, _, _ := appServer(t, func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-finish
		grants("ghs_one")(w, r)
	})
	first := make(chan error, 1)
	go func() { first <- getOne(t.Context(), c) }()
	<-began
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := getOne(ctx, c); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	close(finish)
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// GitHub accepts a JSON Web Token for minutes only, and gives the expiry of an
// installation token by its own clock. If the runner's clock is wrong, that costs one
// request, once.
func TestAppWithAClockThatIsOff(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		ahead time.Duration // of GitHub's clock
		asked int
	}{
		"right": {0, 4}, "20 s slow": {20 * time.Second, 4}, "an hour slow": {time.Hour, 5}, "an hour fast": {-time.Hour, 5}, "years slow": {90000 * time.Hour, 5},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ours := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
			github := ours.Add(tt.ahead)
			asked, tokens := 0, 0
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				date := github.Format(http.TimeFormat)
				iat, exp, isJWT := claims(t, r)
				switch {
				case !isJWT:
					says(200, `{"id":7,"name":"dist"}`, "Date", date)(w, r)
				case iat.After(github), exp.Before(github), exp.Sub(github) > 10*time.Minute:
					says(401, `{"message":"'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"}`, "Date", date)(w, r)
				case strings.HasSuffix(r.URL.Path, "/installation"):
					says(200, `{"id":99}`, "Date", date)(w, r)
				default:
					tokens++
					says(201, fmt.Sprintf(`{"token":"ghs_x","expires_at":%q}`, github.Add(time.Hour).Format(time.RFC3339)), "Date", date)(w, r)
				}
			}))
			defer srv.Close()
			u, _ := url.Parse(srv.URL)
			c, err := New(Options{
				BaseURL: u, Transport: srv.Client().Transport, Now: func() time.Time { return ours },
				Auth: Auth{App: &App{ID: "7", PrivateKey: privateKey(), Repos: []artifact.Repo{app}}},
			})
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				if err := getOne(t.Context(), c); err != nil {
					t.Fatal(err)
				}
			}
			if asked != tt.asked || tokens != 1 {
				t.Errorf("%d requests and %d tokens, want %d and 1", asked, tokens, tt.asked)
			}
			ours, github = ours.Add(time.Hour), github.Add(time.Hour)
			if err := getOne(t.Context(), c); err != nil || tokens != 2 {
				t.Errorf("%v, %d tokens after an hour, want 2", err, tokens)
			}
		})
	}
}

// claims reads a JSON Web Token.
func claims(t *testing.T, r *http.Request) (iat, exp time.Time, ok bool) {
	t.Helper()
	parts := strings.Split(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), ".")
	if len(parts) != 3 {
		return iat, exp, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		t.Error(err)
	}
	var c struct {
		Iss      string
		Iat, Exp int64
	}
	if err := json.Unmarshal(text, &c); err != nil || c.Iss != "7" {
		t.Errorf("claims %s, %v", text, err)
	}
	return time.Unix(c.Iat, 0), time.Unix(c.Exp, 0), true
}

// A token is signed as RS256, by keys in both forms of PEM.
func TestSigner(t *testing.T) {
	t.Parallel()
	key := appKey()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{
		"PKCS1": pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}),
		"PKCS8": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}),
	} {
		s, err := newSigner("Iv1.abc", text)
		if err != nil {
			t.Fatal(err)
		}
		jwt, err := s.token(time.Now())
		if err != nil {
			t.Fatal(err)
		}
		i := strings.LastIndexByte(jwt, '.')
		signature, err := base64.RawURLEncoding.DecodeString(jwt[i+1:])
		digest := sha256.Sum256([]byte(jwt[:i]))
		if err != nil || rsa.VerifyPKCS1v15(&key.PublicKey, crypto.SHA256, digest[:], signature) != nil {
			t.Errorf("%s: %s does not verify", name, jwt)
		}
	}
	_, other, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	notRSA, err := x509.MarshalPKCS8PrivateKey(other)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"no PEM": secret, "no key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: []byte(secret)})),
		"another kind": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: notRSA})),
	} {
		if _, err := newSigner("7", []byte(text)); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newSigner(" ", privateKey()); err == nil {
		t.Error("an empty id passed")
	}
}

// appKey is the key of all GitHub Apps here. To find the primes of one takes several times
// as long as a test with it.
var appKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// privateKey returns appKey in PEM.
func privateKey() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(appKey())})
}

func TestApp(t *testing.T) {
	t.Parallel()
	for name, opt := range map[string]githubsim.Options{"github.com": {}, "enterprise": {Enterprise: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFixture(t, opt, Auth{})
			f.AddApp(githubsim.App{Owner: "octo", Access: githubsim.Read})
			var tokens []string
			auth := Auth{App: &App{ID: "7", PrivateKey: privateKey(), Repos: []artifact.Repo{app}, OnToken: func(tok string) { tokens = append(tokens, tok) }}}
			f.client = f.newClient(t, f.APIURL, auth)
			for range 3 {
				if err := get(t.Context(), f); err != nil {
					t.Fatal(err)
				}
			}
			if len(tokens) != 1 || f.Count(githubsim.API) != 5 {
				t.Errorf("tokens %q, %d requests; want 1 and 5", tokens, f.Count(githubsim.API))
			}
			a := f.run.AddArtifact(githubsim.Artifact{Name: "dist"})
			err := f.client.Delete(t.Context(), app, a.ID)
			if e, ok := errors.AsType[*Error](err); !ok || e.Kind != NoPermission {
				t.Errorf("a token for reading deleted: %v", err)
			}
			auth.App.Write = true
			err = f.newClient(t, f.APIURL, auth).Delete(t.Context(), app, a.ID)
			if e, ok := errors.AsType[*Error](err); !ok || e.Op != "get an installation token" || e.Kind != NoPermission {
				t.Errorf("more than was granted: %v", err)
			}
			auth.App.Repos = []artifact.Repo{{Owner: "nobody", Name: "x"}}
			err = f.newClient(t, f.APIURL, auth).Repository(t.Context(), app)
			if e, ok := errors.AsType[*Error](err); !ok || e.Op != "find the GitHub App's installation" || e.Kind != NoPermission || errors.Is(err, artifact.ErrNotFound) {
				t.Errorf("an App that is not installed: %v", err)
			}
		})
	}
}

func TestAppTokenIsRenewed(t *testing.T) {
	t.Parallel()
	now := time.Now()
	f := newFixture(t, githubsim.Options{}, Auth{})
	f.AddApp(githubsim.App{Owner: "octo", Access: githubsim.Read})
	u, _ := url.Parse(f.APIURL)
	n := 0
	c, err := New(Options{BaseURL: u, Transport: http.DefaultTransport, Now: func() time.Time { return now }, Auth: Auth{App: &App{
		ID: "7", PrivateKey: privateKey(), Repos: []artifact.Repo{app}, OnToken: func(string) { n++ },
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, later := range []time.Duration{0, 58 * time.Minute, 90 * time.Second} {
		now = now.Add(later)
		if err := c.Repository(t.Context(), app); err != nil {
			t.Fatal(err)
		}
	}
	if n != 2 {
		t.Errorf("%d tokens, want 2", n)
	}
}

func TestBadApps(t *testing.T) {
	t.Parallel()
	u := &url.URL{Scheme: "https", Host: "api.github.com"}
	for name, a := range map[string]App{
		"key":        {ID: "7", PrivateKey: bytes.Repeat([]byte("x"), 10), Repos: []artifact.Repo{app}},
		"two owners": {ID: "7", PrivateKey: privateKey(), Repos: []artifact.Repo{app, {Owner: "other", Name: "x"}}},
	} {
		if _, err := New(Options{BaseURL: u, Auth: Auth{App: &a}}); err == nil {
			t.Errorf("%s: passed", name)
		}
	}
}
