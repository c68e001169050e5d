// What docs/cli.md says before the commands.

export const intro = `# The disco command

This page is made from the commands themselves (\`npm run docs\`): their help, and what they print over three nodes with a few jobs.

\`\`\`sh
npm install --global @disco/cli   # or, without installing: npx @disco/cli queues
disco dev                         # a node to try it on, in another terminal
disco queues
\`\`\`

## Which cluster

One node is enough: the command asks it for the others. Which node that is, the first of these says:

1. \`--nodes host:port,host:port\`, or \`--context NAME\`
2. the variable \`DISQUE_NODES\`
3. the context in use: \`disco context add prod --nodes a:7711,b:7711\` keeps a cluster under a name, \`disco context use prod\` chooses it
4. 127.0.0.1:7711

The password is in the variable \`DISQUE_PASSWORD\`, in the file of \`--password-file\`, or in the context, and is shown nowhere. All
commands that talk to a cluster take these options, which the help of each lists too:

| option | |
|---|---|
| \`--nodes ADDRESSES\` | nodes of the cluster, with commas between them: \`host:port\`, \`disques://host:port\` for TLS, \`unix:/path\` |
| \`--context NAME\` | the cluster that \`disco context\` knows by this name |
| \`--password-file FILE\` | a file that holds the password of the nodes |
| \`--tls\`, \`--tls-ca\`, \`--tls-cert\`, \`--tls-key\`, \`--tls-name\`, \`--tls-insecure\` | TLS: which certificates to trust, and which to show |
| \`--timeout TIME\` | how long nodes have to answer, 5s unless told otherwise: a command says within this time that no node answers |

## Output and exit status

Answers go to standard output, and notes to standard error. Colors are used on a terminal alone, and not with \`NO_COLOR\`. Where a terminal
is narrow, tables leave out columns. \`--json\` prints JSON with the fields that are listed below; fields may be added, and those that are
there keep their names and meanings. Times are in the unit that a field names, 64-bit integers are strings of digits, and bodies that are
not UTF-8 are in base64, which \`encoding\` says.

| status | means |
|---|---|
| 0 | done |
| 1 | not all of it was done; standard error says why |
| 2 | the command line is wrong, and nothing was done |
| 129, 130, 143 | ended by SIGHUP, SIGINT (Ctrl-C), SIGTERM |

Some commands have others, which their help lists. Whatever deletes or cannot be undone asks first on a terminal, and wants \`--yes\`
without one. Nothing is acknowledged or deleted that the command line does not name.

## Completion

\`\`\`sh
disco --completions bash > ~/.local/share/bash-completion/completions/disco
disco --completions zsh > ~/.zfunc/_disco               # a folder of fpath
disco --completions fish > ~/.config/fish/completions/disco.fish
\`\`\``
