// The program that attempts start as "$MILLRACE_GUARD": a shell script, so that it needs nothing but /bin/sh and
// mkfifo, starts within milliseconds, and works the same from the sources and from every package.

export const guardScript = `#!/bin/sh
# Asks the agent of this node before an effect that must not happen twice. Written anew at each start of the agent.
usage() {
  cat >&2 <<'TEXT'
usage: "$MILLRACE_GUARD" check                   is this attempt still this node's? 0 yes, 75 no, 69 nobody can say
       "$MILLRACE_GUARD" append FILE TEXT        one line "task token text", once per task: 0 it is there, 75 not ours
       "$MILLRACE_GUARD" once NAME -- COMMAND... runs it at most once per task on this node; 74 begun, end unknown
TEXT
  exit 64
}
fail() {
  printf 'guard: %s\\n' "$2" >&2
  exit "$1"
}
ask() {
  kill -0 "$MILLRACE_AGENT" 2>/dev/null || fail 69 'the agent of this attempt is gone'
  id="$MILLRACE_TOKEN-$$-$1"
  ( umask 077 && mkfifo "$MILLRACE_DOOR/$id.answer" ) || fail 69 'the door of the agent cannot be used'
  exec 4<>"$MILLRACE_DOOR/$id.answer"
  printf '%s\\0' "$MILLRACE_TOKEN" "$MILLRACE_SECRET" "$PWD" "$@" >"$MILLRACE_DOOR/$id.ask" ||
    fail 69 'the door of the agent cannot be used'
  printf '%s\\n' "$id" 1<>"$MILLRACE_DOOR/asks"
  IFS=' ' read -r code said <&4
  exec 4<&-
}
[ -n "$MILLRACE_DOOR" ] || fail 69 'started outside of an attempt'
case "$1" in
  check) [ $# -eq 1 ] || usage ;;
  append) [ $# -eq 3 ] || usage ;;
  once)
    { [ $# -ge 4 ] && [ "$3" = -- ]; } || usage
    name=$2
    shift 3
    ask begin "$name"
    [ "$code" -eq 0 ] || fail "$code" "$said"
    case "$said" in ended\\ *) exit "\${said#ended }" ;; esac
    "$@" 4<&-
    ended=$?
    ask end "$name" "$ended"
    [ "$code" -eq 0 ] || fail "$code" "$said"
    exit "$ended"
    ;;
  *) usage ;;
esac
ask "$@"
[ "$code" -eq 0 ] || fail "$code" "$said"
printf '%s\\n' "$said"
`;
