// known_issues.json as it is in the source tree.
        .section .rodata
        .global halcyon_known_issues_begin
        .global halcyon_known_issues_end
halcyon_known_issues_begin:
        .incbin HALCYON_KNOWN_ISSUES
halcyon_known_issues_end:
        .section .note.GNU-stack, "", @progbits
