*! Reads datasets of pe-data:// references into Stata 14 and later, with labels.
*!
*!     pe_data us/enhanced_cps_2024@latest, clear
*!     pe_data us/cps_2024@latest, table(person) period(2024) columns(age employment_income) clear
*!
*! Needs the command pe-dvc with the extra pe_dvc[export]. Bytes are verified by it, and kept in
*! its cache. Where it is not on Stata's PATH: global PE_DVC "/path/to/pe-dvc"
program define pe_data
    version 14
    syntax anything(name=reference id="reference") [, TABle(string) PERiod(string) ///
        COLumns(string) STOre(string) OFFline CLEAR]
    local reference = subinstr(`"`reference'"', `"""', "", .)
    local given `"`reference'`table'`period'`columns'`store'"'
    foreach sign in `"""' "'" "`" "$" ";" "&" "|" "<" ">" "\" {
        if strpos(`"`given'"', `"`sign'"') {
            display as error `"a reference or option of pe_data has no `sign' in it"'
            exit 198
        }
    }
    if "`clear'" == "" & (c(changed) == 1) {
        error 4
    }
    local command "$PE_DVC"
    if "`command'" == "" {
        local command "pe-dvc"
    }
    local options ""
    if `"`table'"' != "" {
        local options `"`options' --table "`table'""'
    }
    if `"`period'"' != "" {
        local options `"`options' --period "`period'""'
    }
    foreach column of local columns {
        local options `"`options' --column "`column'""'
    }
    if `"`store'"' != "" {
        local options `"`options' --store "`store'""'
    }
    if "`offline'" != "" {
        local options `"`options' --offline"'
    }
    tempfile data
    shell "`command'" export --to "`data'.dta" `options' -- "`reference'"
    capture confirm file "`data'.dta"
    if _rc {
        display as error "pe-dvc could not read `reference': run this in a terminal to see why"
        display as error `"    `command' export --to x.dta `options' -- "`reference'""'
        exit 601
    }
    use "`data'.dta", clear
    erase "`data'.dta"
end
