# SPDX-License-Identifier: GPL-2.0-or-later
# Completion of fsck.overlay for fish.

function __fsck_overlay_problems
    echo list
    fsck.overlay --list-problems | string replace -r ' .*' ''
end

complete -c fsck.overlay -s n -d 'Check only'
complete -c fsck.overlay -s o -x -d 'Mount options'
complete -c fsck.overlay -s v -d 'Also show mere information, and counts'
complete -c fsck.overlay -s t -d 'Show time and memory used'
complete -c fsck.overlay -s d -d 'Show the layers and the options in force'
complete -c fsck.overlay -s C -x -d 'Write progress to this descriptor'
complete -c fsck.overlay -s j -x -d 'Threads'
complete -c fsck.overlay -s E -x -a 'lower=auto lower=rw lower=ro layers=all layers=upper accept-loss keep-journals= trust-lower fstab= check-interval= threads= problem.' -d 'Extended options'
complete -c fsck.overlay -s f -d 'Check even if all seems clean'
complete -c fsck.overlay -s r -d Ignored
complete -c fsck.overlay -l json -d 'Report as one JSON document'
complete -c fsck.overlay -l color -x -a 'auto always never' -d 'Color the report'
complete -c fsck.overlay -l inspect -x -d 'Why does the overlay show a path as it does?'
complete -c fsck.overlay -l explain -x -a '(__fsck_overlay_problems)' -d 'What a problem means'
complete -c fsck.overlay -l list-problems -d 'All problems'
complete -c fsck.overlay -s V -l version -d 'Print the version'
complete -c fsck.overlay -s h -l help -d 'Print the options'
complete -c fsck.overlay -s p -d 'Make the repairs that nobody could regret'
complete -c fsck.overlay -s a -d 'The same as -p'
complete -c fsck.overlay -s y -d 'Make all repairs'
complete -c fsck.overlay -s A -d 'Every overlay of fstab and of mount units that asks for it'
complete -c fsck.overlay -s O -x -a '^lower_layers ^redirect_dir ^origin ^index ^nfs_export ^metacopy ^volatile ^userxattr ^protattr ^data_layers ^nesting ^xwhiteouts ^casefold' -d 'Convert: drop features'
complete -c fsck.overlay -l boot -d 'Check one as much as this boot asks for'
complete -c fsck.overlay -s z -r -d 'Put the undo journal there'
complete -c fsck.overlay -l to -x -a '4.0 4.4 4.9 4.14 4.19 5.4 5.10 5.15 6.1 6.6 6.12' -d 'Convert for an older kernel'
complete -c fsck.overlay -l undo -d 'Take a repair or a conversion back'
complete -c fsck.overlay -l list-undo -d 'What could be taken back'
