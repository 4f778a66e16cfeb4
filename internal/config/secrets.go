package config

import (
	"net/url"
	"strings"

	"github.com/artifetch/artifetch/internal/lazy"
)

// Secrets returns the texts that must not be shown: the values of secret inputs, and
// users and passwords in addresses, even if the value was refused or is not used.
// The Config that comes with an error has them, too.
func (c *Config) Secrets() []string {
	if c.secrets == nil {
		return nil
	}
	return c.secrets()
}

// userInfo finds the user and the password of addresses.
var userInfo = lazy.Regexp(`//([^\s,/@]+(?::[^\s,]*)?)@`)

// secrets returns a function that returns the secrets: no verb of fmt prints what a
// function holds.
func (r *reader) secrets() func() []string {
	var list []string
	for i := range table {
		in := &table[i]
		texts := []string{r.text(in.Name), r.found[in.Name].text}
		for _, alias := range in.Aliases {
			texts = append(texts, r.text(alias))
		}
		for _, variable := range in.Env {
			text, _ := r.env(variable)
			texts = append(texts, strings.TrimSpace(text))
		}
		for _, text := range texts {
			switch {
			case text == "":
			case in.Secret:
				list = append(list, text)
			default:
				list = append(list, passwords(text)...)
			}
		}
	}
	return func() []string { return list }
}

// passwords returns the users and passwords of the addresses in a text: USER:PASSWORD, and
// the password alone, also as it is before URL encoding. A user without a password may be a
// token, so it is returned, too. Texts below 4 bytes are left out: masking them would hide
// parts of other words.
func passwords(text string) []string {
	const shortest = 4
	if !strings.Contains(text, "@") {
		return nil
	}
	var list []string
	for _, m := range userInfo().FindAllStringSubmatch(text, -1) {
		_, password, _ := strings.Cut(m[1], ":")
		plain, _ := url.PathUnescape(password)
		for _, s := range []string{m[1], password, plain} {
			if len(s) >= shortest {
				list = append(list, s)
			}
		}
	}
	return list
}
