package main

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"
)

func TestFollowExport(t *testing.T) {
	f := func(lines, wantReport, wantTold, wantErr string) {
		t.Helper()
		var told bytes.Buffer
		report, err := followExport(strings.NewReader(lines), &told)
		if string(report) != wantReport || told.String() != wantTold {
			t.Errorf("%s: report %s, told %q", lines, report, told.String())
		}
		if (err == nil) != (wantErr == "") || err != nil && !strings.Contains(err.Error(), wantErr) {
			t.Errorf("%s: %v, want %q", lines, err, wantErr)
		}
	}
	f(`{"progress":{"days":1,"of":40}}{"progress":{"days":4,"of":40,"events":9}}{"report":{"days":40}}`, `{"days":40}`, "4 of 40 days, 9 events\n", "")
	f(`{"progress":{"days":1,"of":3}}{"error":{"message":"S3 is away"}}`, "", "", "S3 is away")
	f(`{"progress":{"days":1,"of":3}}`, "", "", "ended early")
}

func TestPlaceOf(t *testing.T) {
	if got, err := placeOf("s3://a/b"); err != nil || got != "s3://a/b" {
		t.Errorf("%q, %v", got, err)
	}
	if got, err := placeOf("x/y"); err != nil || !filepath.IsAbs(got) || !strings.HasSuffix(got, "/x/y") {
		t.Errorf("%q, %v", got, err)
	}
}
