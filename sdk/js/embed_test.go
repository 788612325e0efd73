package sdkjs

import (
	"io/fs"
	"strings"
	"testing"
)

func TestFiles(t *testing.T) {
	if _, err := fs.Stat(Files(), ".keep"); err != nil {
		t.Fatalf("a clean clone has .keep: %v", err)
	}
	script, err := fs.ReadFile(Files(), "footfall.js")
	if err != nil {
		t.Skip("the SDK is not built: npm ci && npm run build in sdk/js")
	}
	if !strings.Contains(string(script), "/v1/events") {
		t.Error("footfall.js does not name the endpoint")
	}
}
