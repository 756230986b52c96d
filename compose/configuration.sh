#!/bin/sh
# Write what Prometheus and Alertmanager read into the folder given: the rules that follow from the objectives, and the routes
# that follow from FRONTLINE_ALERT_… variables. Alertmanager reads secrets from files, which only its group may read; the key
# with which Prometheus reads may be read by both.
set -eu
folder=$1
umask 027

keep() { # a secret from standard input, as a file, or no file where it is empty
    secret=$(cat)
    rm -f "$1"
    [ -z "$secret" ] || printf '%s' "$secret" >"$1"
}

put() { # what a command prints, once it has printed all of it
    file=$1
    shift
    "$@" >"$file.new"
    chmod 644 "$file.new"
    mv "$file.new" "$file"
}

printf '%s' "${FRONTLINE_ALERT_SMTP_PASSWORD-}" | keep "$folder/smtp-password"
printf '%s' "${FRONTLINE_ALERT_SLACK_URL-}" | keep "$folder/slack-url"
[ ! -e "$folder/smtp-password" ] || export FRONTLINE_ALERT_SMTP_PASSWORD_FILE="$folder/smtp-password"
[ ! -e "$folder/slack-url" ] || export FRONTLINE_ALERT_SLACK_URL_FILE="$folder/slack-url"

put "$folder/read-key" printf '%s' "$FRONTLINE_READ_KEY"
put "$folder/rules.yml" frontline rules --frontline-url "$FRONTLINE_PUBLIC_URL" --grafana-url "$GRAFANA_PUBLIC_URL"
put "$folder/alertmanager.yml" frontline alertmanager
