package answer_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"provstation/station/answer"
)

func TestParseObject(t *testing.T) {
	for name, tc := range map[string]struct{ in, want string }{
		"empty":          {"", "it is not one JSON object"},
		"list":           {"[]", "it is not one JSON object"},
		"null":           {"null", "it is not one JSON object"},
		"cut":            {`{"a":`, "it is not one JSON object"},
		"twice":          {`{"a":1,"a":2}`, `field "a" stands in it twice`},
		"twice, hostile": {"{\"a\x7f\":1,\"a\x7f\":2}", `field "a" stands in it twice`},
		"behind":         {`{} {}`, "something stands behind the JSON object"},
		"not UTF-8":      {"{\"a\":\"\xff\"}", "it is not UTF-8"},
		"deep":           {`{"x":` + strings.Repeat("[", 20000), "it is not one JSON object"},
	} {
		o, err := answer.ParseObject([]byte(tc.in))
		if o != nil || !errors.Is(err, answer.ErrNotJSON) || err.Error() != tc.want {
			t.Errorf("%s: got %v, %v, want %q", name, o, err, tc.want)
		}
	}
}

func TestObjectFields(t *testing.T) {
	const text = `{"id":{"id":"x"},"name":"a\nb","no":null,"n":1,"ctl":"a\u0000b","blank":" ","Name":"other"}`
	for name, tc := range map[string]struct {
		read func(*answer.Object) string
		want string
		err  string
	}{
		"text":         {func(o *answer.Object) string { return o.Text("name", true) }, "a\nb", ""},
		"by case":      {func(o *answer.Object) string { return o.Text("Name", true) }, "other", ""},
		"inner":        {func(o *answer.Object) string { return o.Object("id").Text("id", true) }, "x", ""},
		"absent":       {func(o *answer.Object) string { return o.Text("none", false) }, "", ""},
		"null":         {func(o *answer.Object) string { return o.Text("no", false) }, "", ""},
		"missing":      {func(o *answer.Object) string { return o.Text("none", true) }, "", "none is missing"},
		"null missing": {func(o *answer.Object) string { return o.Text("no", true) }, "", "no is missing"},
		"number":       {func(o *answer.Object) string { return o.Text("n", false) }, "", "n is not a text"},
		"control":      {func(o *answer.Object) string { return o.Text("ctl", false) }, "", "ctl holds control characters"},
		"blank":        {func(o *answer.Object) string { return o.Text("blank", true) }, "", "blank is empty"},
		"no object":    {func(o *answer.Object) string { return o.Object("n").Text("id", false) }, "", "n: it is not one JSON object"},
		"inner absent": {func(o *answer.Object) string { return o.Object("none").Text("id", false) }, "", "none is missing"},
	} {
		o, err := answer.ParseObject([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		got := tc.read(o)
		said := ""
		if o.Err() != nil {
			said = o.Err().Error()
		}
		if got != tc.want || said != tc.err {
			t.Errorf("%s: got %q, %q, want %q, %q", name, got, said, tc.want, tc.err)
		}
	}
}

func TestCleanOf(t *testing.T) {
	got := answer.CleanOf("user hunter2 said \x1b[2J no", "hunter2", "")
	if want := "user (hidden) said [2J no"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Whatever comes, it is one JSON value that encoding/json reads, too, or an error; texts are free of what steers a terminal.
func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"a":"b","c":{"d":null}}`))
	f.Add([]byte(`[{"key":"active","value":true}]`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if o, err := answer.ParseObject(data); err == nil {
			var m map[string]json.RawMessage
			if json.Unmarshal(data, &m) != nil || len(m) != len(o.Names()) {
				t.Fatalf("got fields %q of %q", o.Names(), data)
			}
			for _, name := range o.Names() {
				s := o.Text(name, false)
				if !utf8.ValidString(s) || strings.ContainsAny(s, "\x00\x1b\x7f") {
					t.Errorf("%q passed", s)
				}
				_ = o.Object(name)
			}
		}
		if list, err := answer.ParseList(data, 3); err == nil && (len(list) > 3 || !json.Valid(data)) {
			t.Errorf("got %d items of %q", len(list), data)
		}
	})
}
