package githubapi

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A JSON Web Token is valid from a minute before now, as GitHub advises, for a minute
// less than the ten that GitHub allows. Source: GitHub Docs, "Generating a JSON Web
// Token (JWT) for a GitHub App".
const (
	jwtBack = time.Minute
	jwtLife = 9 * time.Minute
)

// signer creates the JSON Web Tokens of a GitHub App.
type signer struct {
	issuer string // App id or client id
	key    *rsa.PrivateKey
}

// newSigner parses a private key: PEM of PKCS #1 or PKCS #8.
func newSigner(issuer string, text []byte) (*signer, error) {
	if strings.TrimSpace(issuer) == "" {
		return nil, errors.New("the id is empty")
	}
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("the private key is not in PEM")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return &signer{issuer, key}, nil
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("the private key: %w", err)
	}
	pair, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not an RSA key")
	}
	return &signer{issuer, pair}, nil
}

// token returns a token for a request at the time now, by GitHub's clock.
func (s *signer) token(now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{"iss": s.issuer, "iat": now.Add(-jwtBack).Unix(), "exp": now.Add(jwtLife).Unix()})
	if err != nil {
		return "", err
	}
	base := base64.RawURLEncoding
	text := base.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + base.EncodeToString(claims)
	digest := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, s.key, crypto.SHA256, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign a JSON Web Token: %w", err)
	}
	return text + "." + base.EncodeToString(signature), nil
}
