# Ask the gateway for an answer; the head x-litellm-complexity-router-tier names the choice.
curl --silent --show-error --include "${GATEWAY_URL:-http://127.0.0.1:4000/v1}/chat/completions" \
  --header "Authorization: Bearer $LITELLM_MASTER_KEY" \
  --header "Content-Type: application/json" \
  --data '{"model": "routellm", "messages": [{"role": "user", "content": "How tall is a door?"}]}'
