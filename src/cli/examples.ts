/** What the help begins with, and all there is of it for someone who gave no input. */
export const EXAMPLES = `Examples:
  $ node app.js | eventsets                show what the app logs, with markers
  $ eventsets app.log                      the same for a file, or several
  $ eventsets -f app.log                   and go on as the file grows
  $ eventsets -S -L warn app.log           warnings and errors, in short
  $ eventsets --json app.log > new.log     JSON lines with a field "markers"
  $ eventsets list                         the event sets in force
  $ eventsets show http                    what a set maps, and its markers
`
