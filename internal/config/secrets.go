package config

import (
	"net/url"
	"regexp"
	"strings"
)

// Secrets returns what must not be shown of all that was given, also of what
// was refused or is not used: the values of secret inputs, and users and
// passwords in addresses. It works for the Config that comes with an error, too.
func (c *Config) Secrets() []string {
	if c.secrets == nil {
		return nil
	}
	return c.secrets()
}

// userInfo finds user and password in addresses.
var userInfo = regexp.MustCompile(`//([^\s,/@]+(?::[^\s,]*)?)@`)

// secrets returns what returns the secrets: a function, which no verb of fmt
// shows the contents of.
func (r *reader) secrets() func() []string {
	var list []string
	for i := range table {
		in := &table[i]
		texts := []string{r.text(in.Name)}
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

// passwords lists users with passwords, and passwords, in the addresses in a
// text. A user alone may be a token. What is shorter than a password should be
// is left out: it would hide parts of other words.
func passwords(text string) []string {
	const shortest = 4
	if !strings.Contains(text, "@") {
		return nil
	}
	var list []string
	for _, m := range userInfo.FindAllStringSubmatch(text, -1) {
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
