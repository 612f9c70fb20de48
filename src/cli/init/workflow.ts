/** Checks the plugin on every change, and publishes it with provenance when a version is tagged. */
export function workflowText(): string {
  return `name: publish

on:
  push:
    branches: ['**']
    tags: ['v*']
  pull_request:

permissions:
  contents: read

jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v5
        with:
          node-version: 24
      - run: npm ci || npm install
      - run: npm test
      - run: npx eventsets lint .

  publish:
    needs: check
    if: startsWith(github.ref, 'refs/tags/v')
    runs-on: ubuntu-latest
    permissions:
      contents: read
      # For the provenance: it proves that this workflow has made the package from this commit.
      id-token: write
    steps:
      - uses: actions/checkout@v5
      - uses: actions/setup-node@v5
        with:
          node-version: 24
          registry-url: https://registry.npmjs.org
      - name: The tag is the version
        run: test "v$(node -p "require('./package.json').version")" = "$GITHUB_REF_NAME"
      - run: npm publish --provenance --access public
        env:
          # Not needed where npm trusts this workflow as a publisher.
          NODE_AUTH_TOKEN: \${{ secrets.NPM_TOKEN }}
`
}
