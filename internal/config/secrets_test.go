package config_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/artifetch/artifetch/internal/config"
)

// Users and passwords in addresses are in no message, wherever the address was
// given, and are known as secrets, so that nothing else shows them.
func TestAddressesWithPasswords(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"github-api-url", "GITHUB_API_URL", "repository", "GITHUB_REPOSITORY", "run-id", "artifact-ids", "ca-cert", "actor", "event", "commit", "shard"} {
		for _, address := range []string{
			"https://user:hunter22@ghe.example.com/api/v3", "https://user:hunter22@ghe.example.com/o/r/actions/runs/1", "ftp://user:hunter22@ghe.example.com",
			"https://user:hunter%322@x@ghe.example.com/o/r", "https://hunter22@ghe.example.com", "https://user:hunter22@", "http://user:hunter22@[::1", "//user:hunter22@h",
		} {
			e := with(inputs{name: address})
			if name == "GITHUB_REPOSITORY" {
				e["INPUT_REPOSITORY"] = ""
			}
			cfg, err := config.FromEnv(e.lookup)
			if name == "GITHUB_API_URL" {
				_, err = config.FromEnv(e.lookup)
			}
			if name == "ca-cert" && !strings.Contains(address, "://") {
				continue // a path
			}
			if err == nil {
				t.Errorf("%s: %s is accepted", name, address)
				continue
			}
			if text := err.Error() + strings.Join(cfg.Warnings, ""); strings.Contains(text, "hunter") {
				t.Errorf("%s: %s gave %s", name, address, text)
			}
			secrets := cfg.Secrets()
			if !slices.ContainsFunc(secrets, func(s string) bool { return strings.HasPrefix(s, "hunter") }) {
				t.Errorf("%s: %s: the secrets are %q", name, address, secrets)
			}
		}
	}
	for address, want := range map[string]string{
		"user:hunter22@ghe.example.com":         "github-api-url: [redacted] lacks https://",
		"hunter22@ghe.example.com":              "github-api-url: [redacted] lacks https://",
		"https://ghe.example.com/?key=hunter22": `github-api-url: "https://ghe.example.com/?***" has more than`,
	} {
		if _, err := config.FromEnv(with(inputs{"github-api-url": address}).lookup); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", address, err, want)
		}
	}
}

// Secrets are known also where they are refused, or not used.
func TestSecrets(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		in   inputs
		want string
	}{
		"token":               {inputs{"github-token": " abc123 \n"}, "abc123"},
		"refused":             {inputs{"github-token": "abc 123"}, "abc 123"},
		"alias":               {inputs{"github_token": "abc123"}, "abc123"},
		"hidden by the alias": {inputs{"github_token": "abc123"}, "job-token"},
		"not used":            {inputs{"app-id": "1", "app-private-key": rsaKey}, "job-token"},
		"key":                 {inputs{"app-id": "1", "app-private-key": rsaKey}, strings.TrimSpace(rsaKey)},
		"no key":              {inputs{"app-private-key": "abc123"}, "abc123"},
	} {
		cfg, _ := config.FromEnv(with(tt.in).lookup)
		if !slices.Contains(cfg.Secrets(), tt.want) {
			t.Errorf("%s: the secrets are %q", name, cfg.Secrets())
		}
	}
	for _, args := range [][]string{{"--no-such"}, {"x"}, {"--repository", "x"}} {
		cfg, _ := fromArgs(config.Fetch, args, env{"GH_TOKEN": "abc123"}.lookup, nil)
		if !slices.Contains(cfg.Secrets(), "abc123") {
			t.Errorf("%q: the secrets are %q", args, cfg.Secrets())
		}
	}
	cfg, _ := fromArgs(config.Fetch, []string{"--repository", "x"}, env{}.lookup, machine{tokens: map[string]string{"github.com": "abc123"}})
	if !slices.Contains(cfg.Secrets(), "abc123") {
		t.Errorf("gh's token is no secret: %q", cfg.Secrets())
	}
}

// Whatever an input is given, a user and a password in it do not show, however
// they are spelt.
func TestPasswordsInAddresses(t *testing.T) {
	t.Parallel()
	for _, address := range []string{
		"https://user:s3cret@ghe.example.com", "https://user:s3cret@ghe.example.com/api/v3", "HTTPS://user:s3cret@ghe.example.com",
		"https://s3cret@ghe.example.com", "https://user:s3/cret@ghe.example.com", "https://user:s3@cret@ghe.example.com", "https://user:%zzs3cret@h",
		"//user:s3cret@ghe.example.com", "user:s3cret@ghe.example.com", "s3cret@ghe.example.com", "https:user:s3cret@h", "https:///user:s3cret@h",
		"https://user:s3cret@[::1", "https://user:s3cret@[::1]:80", "https%3A%2F%2Fuser:s3cret@h", "user%3As3cret@h", "ftp://user:s3cret@h", "https://user:s3cret@h/%zz",
	} {
		for _, input := range []string{"github-api-url", "GITHUB_API_URL"} {
			_, err := config.FromEnv(with(inputs{input: address}).lookup)
			if err == nil {
				t.Errorf("%s: %s passed", input, address)
			}
			if text := fmt.Sprint(err); strings.Contains(text, "cret") || strings.Contains(text, "s3") {
				t.Errorf("%s: %s shows in: %v", input, address, err)
			}
		}
		if !strings.Contains(address, "//") || strings.HasPrefix(address, "https:///") {
			continue
		}
		for _, input := range []string{"repository", "run-id", "artifact-ids", "max-size", "wait"} {
			_, err := config.FromEnv(with(inputs{input: address}).lookup)
			if text := fmt.Sprint(err); strings.Contains(text, "s3cret") {
				t.Errorf("%s: %s shows in: %v", input, address, err)
			}
		}
	}
}
