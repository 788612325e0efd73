package api

type (
	keysReply struct {
		Keys []keyItem `json:"keys" nullable:"false"`
	}
	keyItem struct {
		ID         string   `json:"id"`
		Name       string   `json:"name"`
		Prefix     string   `json:"prefix" doc:"first characters of the key"`
		Scopes     []string `json:"scopes" nullable:"false"`
		CreatedAt  int64    `json:"created_at"`
		LastUsedAt *int64   `json:"last_used_at"`
	}
	newKeyRequest struct {
		Name   string   `json:"name"`
		Scopes []string `json:"scopes" nullable:"false" enum:"stats,ingest,import,admin"`
	}
	newKeyReply struct {
		ID  string `json:"id"`
		Key string `json:"key" doc:"shown this once"`
	}
)

func getKeys(c *call) (any, error) {
	reply := keysReply{Keys: []keyItem{}}
	for _, key := range c.api.options.Accounts.Keys(c.site.WebsiteID) {
		reply.Keys = append(reply.Keys, keyItem{key.ID, key.Name, key.Prefix, key.Scopes, key.CreatedAt, timeOrNull(key.LastUsedAt())})
	}
	return reply, nil
}

func postKey(c *call) (any, error) {
	var request newKeyRequest
	if err := c.decode(&request); err != nil {
		return nil, err
	}
	key, text, err := c.api.options.Accounts.AddKey(c.r.Context(), c.site.WebsiteID, request.Name, request.Scopes)
	if err != nil {
		return nil, err
	}
	return newKeyReply{key.ID, text}, nil
}

func deleteKey(c *call) (any, error) {
	return nil, c.api.options.Accounts.DeleteKey(c.r.Context(), c.site.WebsiteID, c.r.PathValue("key"))
}
