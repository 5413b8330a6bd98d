// `heartmesh completion bash|zsh|fish`: a script for the shell, made of the table of verbs; names of workers and hosts are asked from the coordinator when they are wanted.

import { otherVerbs } from "./help.ts";
import { optionRow, type OptionName, type Subject, type Verb } from "./verb.ts";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

type Verbs = Readonly<Record<string, Verb>>;

/** What completes the words behind a verb: a fixed list, or `heartmesh complete <what>`. */
const asked: Readonly<Record<Exclude<Subject, "file">, string>> = {
  worker: "workers",
  host: "hosts",
  service: "services",
  "host or service": "places",
};

/** What `heartmesh complete` takes. */
export const completed: Readonly<Record<string, Subject>> = Object.fromEntries(
  Object.entries(asked).map(([subject, word]) => [word, subject as Subject]),
);

export function completionOf(shell: Shell, verbs: Verbs): string {
  switch (shell) {
    case "bash":
      return bash(verbs);
    case "zsh":
      return zsh(verbs);
    case "fish":
      return fish(verbs);
  }
}

const optionsOf = (verb: Verb): readonly OptionName[] => [...verb.options, "json", "url", "help"];
const namesOf = (verbs: Verbs): readonly string[] => [...Object.keys(verbs), ...otherVerbs];

/** For a `case`: the verb, and what its words and options are completed with. */
function cases(
  verbs: Verbs,
  line: (name: string, words: string, options: string) => string,
): string {
  const rows = Object.entries(verbs).map(([name, verb]) => {
    const options = optionsOf(verb).map((one) => `--${one}`);
    return line(name, wordsOf(verb), options.join(" "));
  });
  const shown = shells.join(" ");
  rows.push(line("help", `=${namesOf(verbs).join(" ")}`, ""), line("completion", `=${shown}`, ""));
  rows.push(line("config", "", "--json"));
  return rows.join("\n");
}

/** `=a b`: these; `@workers`: to be asked; `/`: files; empty: nothing. */
function wordsOf({ wants, words }: Verb): string {
  if (words !== undefined) return words.length === 0 ? "/" : `=${words.join(" ")}`;
  if (wants === undefined) return "";
  return wants === "file" ? "/" : `@${asked[wants]}`;
}

const bash = (
  verbs: Verbs,
): string => `# heartmesh, completed by bash: . <(heartmesh completion bash)
_heartmesh() {
  local cur prev words="" options="" names=""
  # A name may hold a colon, at which bash divides words.
  local line="\${COMP_LINE:0:COMP_POINT}"
  cur="\${line##* }"
  prev="\${line%"$cur"}"
  prev="\${prev%"\${prev##*[! ]}"}"
  prev="\${prev##* }"
  COMPREPLY=()
  if [ "$COMP_CWORD" -le 1 ]; then
    COMPREPLY=($(compgen -W "${namesOf(verbs).join(" ")}" -- "$cur"))
    return
  fi
  case "\${COMP_WORDS[1]}" in
${cases(verbs, (name, words, options) => `    ${name}) words="${words}" options="${options}" ;;`)}
  esac
  case "$prev" in
    --worker) words="@workers" ;;
    --out) words="/" ;;
    --reason | --for | --limit | --kind | --at | --timeout | --url) return ;;
    *) case "$cur" in -*) COMPREPLY=($(compgen -W "$options" -- "$cur")); return ;; esac ;;
  esac
  case "$words" in
    =*) names="\${words#=}" ;;
    @*) names="$(heartmesh complete "\${words#@}" 2>/dev/null)" ;;
    /) COMPREPLY=($(compgen -f -- "$cur")); return ;;
  esac
  COMPREPLY=($(compgen -W "$names" -- "$cur"))
  local colon="\${cur%"\${cur##*:}"}" i
  if [ -n "$colon" ]; then
    for i in "\${!COMPREPLY[@]}"; do COMPREPLY[i]="\${COMPREPLY[i]#"$colon"}"; done
  fi
}
complete -F _heartmesh heartmesh`;

const zsh = (verbs: Verbs): string => `#compdef heartmesh
# heartmesh, completed by zsh: source <(heartmesh completion zsh), behind compinit
_heartmesh() {
  local words_of="" options="" cur="\${words[CURRENT]}" prev="\${words[CURRENT-1]}"
  if (( CURRENT == 2 )); then
    compadd -- ${namesOf(verbs).join(" ")}
    return
  fi
  case "\${words[2]}" in
${cases(verbs, (name, words, options) => `    ${name}) words_of="${words}"; options="${options}" ;;`)}
  esac
  case "$prev" in
    --worker) words_of="@workers" ;;
    --out) words_of="/" ;;
    --reason|--for|--limit|--kind|--at|--timeout|--url) return ;;
    *) if [[ "$cur" == -* ]]; then compadd -- \${(s: :)options}; return; fi ;;
  esac
  case "$words_of" in
    "="*) compadd -- \${(s: :)\${words_of#"="}} ;;
    "@"*) compadd -- \${(f)"$(heartmesh complete "\${words_of#"@"}" 2>/dev/null)"} ;;
    /) _files ;;
  esac
}
compdef _heartmesh heartmesh`;

function fish(verbs: Verbs): string {
  const lines = Object.entries(verbs).flatMap(([name, verb]) => {
    const behind = `-n "__fish_seen_subcommand_from ${name}"`;
    const words = wordsOf(verb);
    const wanted = {
      "=": `complete -c heartmesh ${behind} -a "${words.slice(1)}"`,
      "@": `complete -c heartmesh ${behind} -a "(heartmesh complete ${words.slice(1)} 2>/dev/null)"`,
      "/": `complete -c heartmesh ${behind} -F`,
    }[words.slice(0, 1)];
    const options = optionsOf(verb).map((option) => {
      const { value, short, text } = optionRow(option);
      const names = option === "worker" ? ` -a "(heartmesh complete workers 2>/dev/null)"` : "";
      const takes = value === undefined ? "" : " -x";
      const letter = short === undefined ? "" : ` -s ${short}`;
      return `complete -c heartmesh ${behind} -l ${option}${letter}${takes}${names} -d ${quoted(text)}`;
    });
    return [
      `complete -c heartmesh -n __fish_use_subcommand -a ${name} -d ${quoted(verb.text)}`,
      ...(wanted === undefined ? [] : [wanted]),
      ...options,
    ];
  });
  return [
    "# heartmesh, completed by fish: heartmesh completion fish | source",
    "complete -c heartmesh -f",
    ...otherVerbs.map((name) => `complete -c heartmesh -n __fish_use_subcommand -a ${name}`),
    `complete -c heartmesh -n "__fish_seen_subcommand_from completion" -a "${shells.join(" ")}"`,
    `complete -c heartmesh -n "__fish_seen_subcommand_from help" -a "${namesOf(verbs).join(" ")}"`,
    ...lines,
  ].join("\n");
}

const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, "\\$&")}'`;
