# Makes a zip of a directory with Archive::Zip: perl producers.pl DIRECTORY OUT
use strict;
use warnings;
use Archive::Zip qw(:ERROR_CODES);

my ($directory, $out) = @ARGV;
my $zip = Archive::Zip->new();
$zip->addTree($directory, '') == AZ_OK or die "cannot add $directory";
$zip->writeToFileNamed($out) == AZ_OK or die "cannot write $out";
